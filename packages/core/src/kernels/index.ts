/** Room `kernels`: the arithmetic. Typed arrays in, typed arrays out; knows no users and no items. */
export * from "./choose.ts";
export * from "./kernels.ts";
