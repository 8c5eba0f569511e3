/** Layers both ways: as a NetModel has them (PyTorch's [out × in]), and as the kernels want them (one flat array). */
import { type NetShape, netPlaces, type Reals } from "../kernels/index.ts";
import { layerInputs, type NetLayer, type NetModel } from "./net-model.ts";

export function netShapeOf({ rank, layers, product }: NetModel): NetShape {
  return { rank, hidden: layers.slice(0, -1).map(({ outputs }) => outputs), product: product !== undefined };
}

/** @param out as `netPlaces` lays it out; padding is left alone */
export function layersToFlat(shape: NetShape, layers: readonly NetLayer[], out: Reals): void {
  walk(shape, (layer, inside, output, input) => {
    out[inside] = input === undefined ? layers[layer].bias[output] : weightOf(layers[layer], output, input);
  });
}

function weightOf({ weight, inputs }: NetLayer, output: number, input: number): number {
  return weight[output * inputs + input];
}

/** Copies, in f32. */
export function flatToLayers(shape: NetShape, flat: Reals): NetLayer[] {
  const outputs = [...shape.hidden, 1];
  const layers = layerInputs(shape.rank, shape.hidden, shape.product).map((inputs, l) => ({
    inputs,
    outputs: outputs[l],
    weight: new Float32Array(inputs * outputs[l]),
    bias: new Float32Array(outputs[l]),
  }));
  walk(shape, (layer, inside, output, input) => {
    const { weight, bias, inputs } = layers[layer];
    if (input === undefined) bias[output] = flat[inside];
    else weight[output * inputs + input] = flat[inside];
  });
  return layers;
}

/** Visits every number: its layer, its place in the flat array, its output, and its input unless it is a bias. */
function walk(
  shape: NetShape,
  visit: (layer: number, inside: number, output: number, input: number | undefined) => void,
): void {
  const places = netPlaces(shape);
  const last = places.layers.length;
  for (const [l, { inputs, outputs, stride, weight, bias }] of places.layers.entries()) {
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) visit(l, weight + i * stride + o, o, i);
      visit(l, bias + o, o, undefined);
    }
  }
  const top = shape.hidden[last - 1];
  for (let i = 0; i < top; i++) visit(last, places.top + i, 0, i);
  if (places.product !== undefined) {
    for (let k = 0; k < shape.rank; k++) visit(last, places.product + k, 0, top + k);
  }
  visit(last, places.bias, 0, undefined);
}
