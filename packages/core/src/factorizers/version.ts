/** Version of @lowrank/core, as in its package.json (package.test.ts compares them); written into every model. */
export const version = "0.1.0";
