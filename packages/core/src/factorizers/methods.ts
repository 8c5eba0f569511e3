/** Every method by name, with its option table: what the command line, servers and pages choose from. */

import type { Model } from "../model/index.ts";
import { als, alsOptions } from "./als.ts";
import { denseNet, denseNetOptions } from "./dense-net.ts";
import { ease, easeOptions } from "./ease.ts";
import type { Factorizer } from "./factorizer.ts";
import { gradient, gradientOptions } from "./gradient.ts";
import { ials, ialsOptions } from "./ials.ts";
import { itemKnn, itemKnnOptions } from "./item-knn.ts";
import { nmf, nmfOptions } from "./nmf.ts";
import type { OptionTable } from "./options.ts";
import { sgd, sgdOptions } from "./sgd.ts";
import { svd, svdOptions } from "./svd/svd.ts";

export interface MethodEntry {
  readonly options: OptionTable;
  /** Makes the method; unknown or wrong options are refused. */
  readonly make: (options: Readonly<Record<string, unknown>>) => Factorizer<Model>;
  /** The kind of its models, where that is not `factors` */
  readonly yields?: Exclude<Model["kind"], "factors">;
}

export const methods = {
  als: { options: alsOptions, make: als },
  ials: { options: ialsOptions, make: ials },
  gradient: { options: gradientOptions, make: gradient },
  sgd: { options: sgdOptions, make: sgd },
  net: { options: denseNetOptions, make: denseNet, yields: "net" },
  svd: { options: svdOptions, make: svd },
  nmf: { options: nmfOptions, make: nmf },
  ease: { options: easeOptions, make: ease, yields: "items" },
  itemKnn: { options: itemKnnOptions, make: itemKnn, yields: "items" },
} as const satisfies Record<string, MethodEntry>;

export type MethodName = keyof typeof methods;

/** The kind of a method's models. */
export function modelKindOf(name: MethodName): Model["kind"] {
  return (methods[name] as MethodEntry).yields ?? "factors";
}
