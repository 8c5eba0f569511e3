/** The peak of memory that a plan says beside the one that the training then has, each in a process of its own. */
import { expect, it } from "vitest";
import { folder, lowrank } from "./cli-support.ts";
import { sharedData } from "./shared-data.ts";

it.each(["als", "sgd", "ials"])(
  "MovieLens 1M by %s: the peak is from 0.85 to 1.1 of what the plan says",
  async (method) => {
    const here = await folder();
    const file = sharedData("ml-1m", "ratings.no-timestamps.dat");
    const args = ["fit", file, "--method", method, "--rank", "64", "--threads", "2", "--json", "--quiet"];
    const planned = JSON.parse((await lowrank([...args, "--plan"], { cwd: here.path })).stdout);
    const trained = JSON.parse((await lowrank(args, { cwd: here.path })).stdout);
    expect(trained.report.kernelBytes).toBe(planned.plan.bytes.kernel.total);
    const share = trained.peakBytes / planned.peakBytes;
    expect(share).toBeGreaterThan(0.85);
    expect(share).toBeLessThan(1.1);
    await here.dispose();
  },
);
