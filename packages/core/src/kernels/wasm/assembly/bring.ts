/** Arrays outside of this memory (../../kernels.ts): their bytes are asked of the host. */

/**
 * Copies bytes to `to`.
 *
 * @param buffer 1 and more: the number of the array
 * @param from a multiple of 8, as `to` and `bytes` are: engines copy shared memory word by word where both ends of it are alike
 */
@external("env", "bring")
export declare function bring(buffer: u32, from: f64, bytes: u32, to: usize): void;
