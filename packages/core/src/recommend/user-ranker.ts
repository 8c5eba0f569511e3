/** The best items of a model's users, batch by batch, whatever the kind of the model. */
import type { Kernels } from "../kernels/index.ts";
import type { FactorModel, Model } from "../model/index.ts";
import { ItemRanker } from "./item-ranker.ts";
import { NetRanker } from "./net-ranker.ts";
import { type RankBatch, Ranker, type RankRequest } from "./ranker.ts";
import { rowOf } from "./rows.ts";

export interface UserRankRequest extends Omit<RankRequest, "row"> {
  /** The user index of query q */
  readonly user: (q: number) => number;
}

export interface UserRanker {
  /** Batch after batch, in order. @throws AbortedError between batches */
  batches(request: UserRankRequest): AsyncGenerator<RankBatch>;
  /** What a batch's scores leave out for this user: the model's mean and the user's bias, or nothing. */
  baseOf(user: number): number;
  close(): void;
}

/** @param users the most users that one request will have */
export function openUserRanker(kernels: Kernels, model: Model, users: number): UserRanker {
  switch (model.kind) {
    case "factors":
      return new FactorRanker(kernels, model, users);
    case "net":
      return new NetRanker(kernels, model, users);
    case "items":
      return new ItemRanker(kernels, model, users);
    default:
      return model satisfies never;
  }
}

/** The users' rows against the item table; other rows may be asked for through `rows`. */
export class FactorRanker implements UserRanker {
  readonly #model: FactorModel;
  readonly rows: Ranker;

  constructor(kernels: Kernels, model: FactorModel, users: number) {
    const { rank, items, itemFactors, itemBias } = model;
    this.#model = model;
    this.rows = new Ranker(kernels, { rank, rows: items.size, factors: itemFactors, bias: itemBias }, users);
  }

  batches({ user, ...request }: UserRankRequest): AsyncGenerator<RankBatch> {
    const { userFactors, rank } = this.#model;
    return this.rows.batches({ ...request, row: (q) => rowOf(userFactors, rank, user(q)) });
  }

  baseOf(user: number): number {
    const { mean, userBias } = this.#model;
    return mean + (userBias === undefined ? 0 : userBias[user]);
  }

  close(): void {
    this.rows.close();
  }
}
