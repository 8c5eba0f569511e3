/** @lowrank/core: ratings or clicks in, factor models, recommendations and figures out. Each room has its own page. */
export * from "./evaluate/index.ts";
export * from "./factorizers/index.ts";
export * from "./kernels/index.ts";
export * from "./model/index.ts";
export * from "./ratings/index.ts";
export * from "./recommend/index.ts";
export * from "./support/index.ts";
