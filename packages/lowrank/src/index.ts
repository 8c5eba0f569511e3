/** lowrank: everything of @lowrank/core, and what needs Node: readers of files, model files, public data sets. */
export * from "@lowrank/core";
export * from "./checkpoint-files.ts";
export * from "./datasets/index.ts";
export * from "./model-files.ts";
export * from "./readers/index.ts";
