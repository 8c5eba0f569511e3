/** The rivals themselves: which install here, in which version, and what comes of those that do not. */
import { libraryOf, npmWith, pythonWith, RivalMissing } from "../environments.ts";
import type { Table } from "../results.ts";
import { Rival } from "../rival.ts";

interface Entry {
  readonly rival: string;
  readonly how: string;
  /** Its versions */
  readonly install: () => Promise<Readonly<Record<string, string>>>;
}

const python = (set: Parameters<typeof pythonWith>[0], modules: readonly string[]) => async () => {
  const rival = await Rival.start({ program: await pythonWith(set), script: "versions.py", args: modules });
  rival.stop();
  return rival.versions;
};

const npm = (set: Parameters<typeof npmWith>[0]) => async () => {
  const folder = await npmWith(set);
  const rival = await Rival.start({ program: process.execPath, script: "versions.mjs", args: [folder, set] });
  rival.stop();
  return rival.versions;
};

const COMPILED = "PyPI, compiled here for this processor";

const entries: readonly Entry[] = [
  { rival: "PyTorch", how: "PyPI", install: python("torch", ["torch", "numpy"]) },
  { rival: "SciPy", how: "PyPI", install: python("scipy", ["scipy", "numpy"]) },
  {
    rival: "LIBMF (C++)",
    how: "sources of the PyPI package libmf, compiled with AVX and OpenMP for this processor",
    install: async () => {
      await libraryOf("libmf");
      return {};
    },
  },
  { rival: "libmf (npm)", how: "npm, prebuilt", install: npm("libmf") },
  { rival: "implicit", how: COMPILED, install: python("implicit", ["implicit", "numpy", "scipy"]) },
  { rival: "cmfrec", how: COMPILED, install: python("cmfrec", ["cmfrec", "numpy", "scipy"]) },
  { rival: "scikit-surprise", how: "PyPI", install: python("surprise", ["surprise", "numpy"]) },
  { rival: "lightfm", how: "PyPI", install: python("lightfm", ["lightfm", "numpy"]) },
  { rival: "disco-rec", how: "npm", install: npm("disco-rec") },
];

export async function run(): Promise<Table> {
  const rows: Table["rows"][number][] = [];
  const missing: { rival: string; why: string }[] = [];
  for (const { rival, how, install } of entries) {
    try {
      const versions = Object.entries(await install()).map(([name, version]) => `${name} ${version}`);
      rows.push({ rival, how, versions: versions.join(", ") || "installs" });
    } catch (error) {
      if (!(error instanceof RivalMissing)) throw error;
      rows.push({ rival, how, versions: "does not install" });
      missing.push({ rival, why: error.message });
    }
  }
  return {
    name: "rivals",
    title: "The rivals",
    notes: ["Each in an environment of its own, made by the bench when it is first needed."],
    versions: {},
    columns: [
      { key: "rival", title: "rival" },
      { key: "how", title: "from" },
      { key: "versions", title: "versions" },
    ],
    rows,
    comparisons: [],
    missing,
    untimed: true,
    details: {},
  };
}
