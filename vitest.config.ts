import { defineConfig } from "vitest/config";

/** Tests and hooks start commands, which take many times as long where others use the cores too. */
const COMMAND_MS = 120_000;

/**
 * Three lanes. `unit` is what `npm test` runs: fast, no data files, no network.
 * `slow` and `quality` are CI's: kill tests, leak tests, real files; floors of quality on real ratings. They need the folder named by
 * LOWRANK_DATA, and want --no-file-parallelism: each file uses all cores.
 */
export default defineConfig({
  test: {
    // All cores: many tests wait for commands that they started.
    maxWorkers: "100%",
    projects: [
      {
        test: {
          name: "unit",
          // Modules are read once a process, not once a file, a seventh of all the time. So a test that changes what others see undoes it.
          isolate: false,
          setupFiles: ["packages/core/test/equal-arrays.ts"],
          include: ["packages/*/src/**/*.test.ts", "packages/*/test/**/*.test.ts", "bench/src/**/*.test.ts"],
          exclude: ["**/*.slow.test.ts", "**/*.quality.test.ts", "**/node_modules/**", "**/dist/**"],
          testTimeout: COMMAND_MS,
          hookTimeout: COMMAND_MS,
        },
      },
      {
        test: {
          name: "slow",
          setupFiles: ["packages/core/test/equal-arrays.ts"],
          include: [
            "packages/*/src/**/*.slow.test.ts",
            "packages/*/test/**/*.slow.test.ts",
            "examples/test/*.slow.test.ts",
          ],
          exclude: ["**/node_modules/**", "**/dist/**"],
          testTimeout: 600_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "quality",
          include: ["packages/*/test/**/*.quality.test.ts"],
          exclude: ["**/node_modules/**", "**/dist/**"],
          testTimeout: 600_000,
        },
      },
    ],
  },
});
