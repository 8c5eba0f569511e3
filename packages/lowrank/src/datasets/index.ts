/** Room `datasets`: the name of a public data set comes in, a folder with its unpacked files goes out. */
export { type DownloadOptions, downloadDataset } from "./download.ts";
export { cacheFolder, type FindOptions, findDataset } from "./find.ts";
export { type DatasetInfo, datasetNamed, datasets } from "./list.ts";
