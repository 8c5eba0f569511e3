/** What the rivals are installed from: sets of packages that live together. */

export interface PythonPackages {
  readonly packages: readonly string[];
  /** Compiled here, for this processor, instead of the wheel for all */
  readonly compile?: { readonly packages: readonly string[]; readonly flags: string };
}

const forThisProcessor = "-O3 -march=native";

export const pythonSets = {
  torch: { packages: ["numpy", "torch"] },
  scipy: { packages: ["numpy", "scipy"] },
  // numpy alone: LIBMF is called through ctypes
  numpy: { packages: ["numpy"] },
  implicit: {
    packages: ["numpy", "scipy", "threadpoolctl", "implicit"],
    compile: { packages: ["implicit"], flags: forThisProcessor },
  },
  cmfrec: {
    packages: ["numpy", "scipy", "pandas", "threadpoolctl", "cmfrec"],
    compile: { packages: ["cmfrec"], flags: forThisProcessor },
  },
  surprise: { packages: ["numpy", "scikit-surprise"] },
  lightfm: { packages: ["numpy", "scipy", "lightfm"] },
} as const satisfies Readonly<Record<string, PythonPackages>>;

export type PythonSet = keyof typeof pythonSets;

export const npmSets = {
  libmf: { packages: ["libmf"] },
  "disco-rec": { packages: ["disco-rec"] },
} as const;

export type NpmSet = keyof typeof npmSets;

export const sourceSets = {
  libmf: {
    pythonPackage: "libmf",
    source: "src_cpp/mf.cpp",
    flags: ["-std=c++11", "-O3", "-march=native", "-DUSEAVX", "-DUSEOMP", "-fopenmp", "-pthread"],
  },
} as const;

export type SourceSet = keyof typeof sourceSets;
