/** Where the slow tests find real ratings: the same place for both packages. */
export { sharedData } from "../../core/test/shared-data.ts";
