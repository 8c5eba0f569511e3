/**
 * Runs before a package is packed, in its folder: removes what was built and builds anew, so that a tarball holds
 * exactly what its sources say. Without this it would hold what an earlier state left, or nothing on a fresh checkout.
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
// Without this record the compiler cannot take removed files for built ones.
rmSync("tsconfig.tsbuildinfo", { force: true });
const { status } = spawnSync("tsc", ["-b"], { stdio: ["ignore", 2, "inherit"], shell: process.platform === "win32" });
process.exit(status ?? 1);
