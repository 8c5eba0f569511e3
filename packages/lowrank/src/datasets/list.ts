/**
 * The public data sets that lowrank knows by name: what is in them, where they come from, how their files are read.
 */
import { OptionError } from "@lowrank/core";
import { nearest } from "@lowrank/core/support";
import type { ReadOptions, TitleOptions } from "../readers/index.ts";

export interface DatasetInfo {
  /** As in `lowrank datasets download 1m` */
  readonly name: string;
  readonly title: string;
  readonly ratings: number;
  readonly users: number;
  /** Items with at least one rating */
  readonly items: number;
  /** Length of the archive */
  readonly bytes: number;
  /** Name of the archive below the publisher's address */
  readonly archive: string;
  /** The one folder in the archive, and its name on the disk */
  readonly folder: string;
  /** Of the archive, as its publisher states it (latest-small: as it has been since 2018) */
  readonly checksum: { readonly algorithm: "md5" | "sha256"; readonly hex: string };
  /** The file of ratings below `folder`, and how it is read */
  readonly ratingsFile: { readonly path: string; readonly options: ReadOptions };
  /** The file of titles below `folder`, and how it is read */
  readonly titlesFile: { readonly path: string; readonly options: TitleOptions };
  readonly homepage: string;
  readonly terms: string;
}

/** Where the archives are, unless the caller or LOWRANK_DATASETS_URL says otherwise. */
export const PUBLISHER = "https://files.grouplens.org/datasets/movielens/";

const terms = "for research, not for sale, not to be passed on; cite Harper & Konstan, ACM TiiS 5 (2015), 4:19";
const latestTerms = "for any non-commercial use; cite Harper & Konstan, ACM TiiS 5 (2015), 4:19";
const csvFiles = {
  ratingsFile: { path: "ratings.csv", options: {} },
  titlesFile: { path: "movies.csv", options: {} },
};

export const datasets: readonly DatasetInfo[] = [
  {
    name: "latest-small",
    title: "MovieLens latest, small (2018)",
    ratings: 100_836,
    users: 610,
    items: 9_724,
    bytes: 978_202,
    archive: "ml-latest-small.zip",
    folder: "ml-latest-small",
    checksum: { algorithm: "sha256", hex: "696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436" },
    ...csvFiles,
    homepage: "https://grouplens.org/datasets/movielens/latest/",
    terms: latestTerms,
  },
  {
    name: "100k",
    title: "MovieLens 100K (1998)",
    ratings: 100_000,
    users: 943,
    items: 1_682,
    bytes: 4_924_029,
    archive: "ml-100k.zip",
    folder: "ml-100k",
    checksum: { algorithm: "md5", hex: "0e33842e24a9c977be4e0107933c0723" },
    ratingsFile: { path: "u.data", options: { separator: "\t", header: false } },
    titlesFile: { path: "u.item", options: { separator: "|", header: false, encoding: "latin-1" } },
    homepage: "https://grouplens.org/datasets/movielens/100k/",
    terms,
  },
  {
    name: "1m",
    title: "MovieLens 1M (2003)",
    ratings: 1_000_209,
    users: 6_040,
    items: 3_706,
    bytes: 5_917_549,
    archive: "ml-1m.zip",
    folder: "ml-1m",
    checksum: { algorithm: "md5", hex: "c4d9eecfca2ab87c1945afe126590906" },
    ratingsFile: { path: "ratings.dat", options: { separator: "::", header: false } },
    titlesFile: { path: "movies.dat", options: { separator: "::", header: false, encoding: "latin-1" } },
    homepage: "https://grouplens.org/datasets/movielens/1m/",
    terms,
  },
  {
    name: "25m",
    title: "MovieLens 25M (2019)",
    ratings: 25_000_095,
    users: 162_541,
    items: 59_047,
    bytes: 261_978_986,
    archive: "ml-25m.zip",
    folder: "ml-25m",
    checksum: { algorithm: "md5", hex: "6b51fb2759a8657d3bfcbfc42b592ada" },
    ...csvFiles,
    homepage: "https://grouplens.org/datasets/movielens/25m/",
    terms,
  },
  {
    name: "32m",
    title: "MovieLens 32M (2023)",
    ratings: 32_000_204,
    users: 200_948,
    items: 84_432,
    bytes: 238_950_008,
    archive: "ml-32m.zip",
    folder: "ml-32m",
    checksum: { algorithm: "md5", hex: "d472be332d4daa821edc399621853b57" },
    ...csvFiles,
    homepage: "https://grouplens.org/datasets/movielens/32m/",
    terms,
  },
];

/** By name or by folder: `1m` and `ml-1m` are the same. @throws OptionError naming what there is */
export function datasetNamed(who: string, name: string): DatasetInfo {
  const found = datasets.find((dataset) => dataset.name === name || dataset.folder === name);
  if (found !== undefined) return found;
  const names = datasets.map((dataset) => dataset.name);
  const near = nearest(name, names);
  const hint = near === undefined ? "" : `did you mean "${near}"?`;
  throw new OptionError(who, "name", name, `one of ${names.join(", ")}`, hint);
}
