/**
 * Ids in a model file. Numbers: one I64 each. Strings: all UTF-8 bytes back to back, and U32 offsets of where each
 * begins and ends.
 *
 * Both ascend strictly (strings by UTF-16 code unit), as in IdMap, so that place in the file is the row number and
 * uniqueness is seen in one pass.
 */
import { type Id, IdMap, type Side } from "../ratings/index.ts";
import { ModelFileError } from "../support/index.ts";
import type { Refuse, Tensor } from "./safetensors.ts";

const TWO_32 = 2 ** 32;

/** `user_ids` alone, or `user_ids` and `user_id_offsets`. */
export function idTensors(ids: IdMap, side: Side): Tensor[] {
  return ids.kind === "number" ? [numberTensor(ids, side)] : textTensors(ids, side);
}

function numberTensor(ids: IdMap, side: Side): Tensor {
  const bytes = new Uint8Array(8 * ids.size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const id of ids.ids() as Iterable<number>) {
    const high = Math.floor(id / TWO_32);
    view.setUint32(at, id - high * TWO_32, true);
    view.setInt32(at + 4, high, true);
    at += 8;
  }
  return { name: `${side}_ids`, dtype: "I64", shape: [ids.size], bytes };
}

function textTensors(ids: IdMap, side: Side): Tensor[] {
  const offsets = new Uint32Array(ids.size + 1);
  const encoder = new TextEncoder();
  let text = new Uint8Array(16 * ids.size + 64);
  let end = 0;
  let index = 0;
  for (const id of ids.ids() as Iterable<string>) {
    // UTF-8 takes at most three bytes per UTF-16 code unit.
    if (text.length - end < 3 * id.length) {
      const larger = new Uint8Array(2 * text.length + 3 * id.length);
      larger.set(text.subarray(0, end));
      text = larger;
    }
    end += encoder.encodeInto(id, text.subarray(end)).written;
    if (end >= TWO_32) throw new ModelFileError(`model file: the ${side} ids take more than 4 GiB of text`, { side });
    offsets[++index] = end;
  }
  return [
    { name: `${side}_ids`, dtype: "U8", shape: [end], bytes: text.subarray(0, end) },
    { name: `${side}_id_offsets`, dtype: "U32", shape: [ids.size + 1], bytes: new Uint8Array(offsets.buffer) },
  ];
}

/** Numbers back from an I64 tensor. */
export function numberIds(tensor: Tensor, side: Side, refuse: Refuse): IdMap {
  const { bytes } = tensor;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ids = new Float64Array(bytes.byteLength / 8);
  for (let i = 0; i < ids.length; i++) {
    const id = view.getInt32(8 * i + 4, true) * TWO_32 + view.getUint32(8 * i, true);
    if (!Number.isSafeInteger(id))
      refuse(`${side} id number ${i + 1} is beyond ±(2^53 − 1)`, "broken", { side, position: i + 1 });
    if (i > 0 && id <= ids[i - 1]) refuseOrder(i, side, refuse);
    ids[i] = id;
  }
  return IdMap.of(ids, side);
}

/** Strings back from their bytes and offsets. */
export function textIds(bytes: Uint8Array, offsets: Uint32Array, side: Side, refuse: Refuse): IdMap {
  const count = offsets.length - 1;
  if (count < 0 || offsets[0] !== 0 || offsets[count] !== bytes.length) {
    refuse(`the ${side} id offsets do not run from 0 to the ${bytes.length} bytes of text`, "broken", { side });
  }
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const whole = decodeText(decoder, bytes, side, 1, refuse);
  // Where every character is one byte, ids are slices of the whole text, many times faster than decoding each.
  const oneByteEach = whole.length === bytes.length;
  const ids: Id[] = [];
  let previous = "";
  for (let i = 0; i < count; i++) {
    const begin = offsets[i];
    const end = offsets[i + 1];
    if (end <= begin || end > bytes.length) {
      refuse(`the ${side} id offsets do not ascend at id number ${i + 1}`, "broken", { side, position: i + 1 });
    }
    const id = oneByteEach
      ? whole.slice(begin, end)
      : decodeText(decoder, bytes.subarray(begin, end), side, i + 1, refuse);
    if (id <= previous) refuseOrder(i, side, refuse);
    ids.push(id);
    previous = id;
  }
  return IdMap.of(ids, side);
}

function decodeText(decoder: TextDecoder, bytes: Uint8Array, side: Side, position: number, refuse: Refuse): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return refuse(`the ${side} ids from number ${position} on are not valid UTF-8`, "broken", { side, position });
  }
}

function refuseOrder(index: number, side: Side, refuse: Refuse): never {
  return refuse(
    `${side} id number ${index + 1} does not come after the one before it; ids ascend and occur once`,
    "broken",
    {
      side,
      position: index + 1,
    },
  );
}
