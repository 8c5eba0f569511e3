/** @lowrank/core: ratings or clicks in, factor models, recommendations and figures out. Each room has its own page. */
export * from "./ratings/index.ts";
export * from "./support/index.ts";
