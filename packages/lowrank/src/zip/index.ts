/** Room `zip`: archives come in, checked contents go out, into memory or a folder; or contents come in and an archive goes out. */
export { unzip, type ZipEntry, zipContent, zipEntries } from "./read-zip.ts";
export { type ZipFile, zipParts } from "./write-zip.ts";
