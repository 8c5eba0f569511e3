/**
 * Files that NumPy 1.24.2 wrote, and element bytes of the matrix [[0, 1, 2], [3, 4, 100]] in its types. Made by numpy.save,
 * numpy.lib.format.write_array(version=…), numpy.savez, numpy.savez_compressed and tobytes().
 */
const base64 = {
  // [[0, 1, 2], [3, 4, 100]]: in Fortran order as float64, then as int16 in versions 2.0 and 3.0 of the format
  fortran:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMyksIH0gICAgICAgICAgICAgIC" +
    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAAAAAAAAAAAAhAAAAAAAAA8D8AAAAAAAAQQAAAAAAA" +
    "AABAAAAAAAAAWUA=",
  version2:
    "k05VTVBZAgB0AAAAeydkZXNjcic6ICc8aTInLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwgMyksIH0gICAgICAgICAgIC" +
    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAEAAgADAAQAZAA=",
  version3:
    "k05VTVBZAwB0AAAAeydkZXNjcic6ICc8aTInLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwgMyksIH0gICAgICAgICAgIC" +
    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAEAAgADAAQAZAA=",
  // 3.5
  scalar:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKCksIH0gICAgICAgICAgICAgICAgIC" +
    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAMQA==",
  // ["a", "émile", "🎬x", ""]
  texts:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPFU1JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDQsKSwgfSAgICAgICAgICAgICAgIC" +
    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAphAAAAAAAAAAAAAAAAAAAAAAAAAOkAAABtAAAAaQAAAGwAAABl" +
    "AAAArPMBAHgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
  // Y=[[0, 1, 2], [3, 4, 100]] as int8, R=Y > 1
  savez:
    "UEsDBBQAAAAAAAAAIQCHh1PPhgAAAIYAAAAFABQAWS5ucHkBABAAhgAAAAAAAACGAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJ3xpMScsIC" +
    "dmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgyLCAzKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg" +
    "ICAgICAgICAgICAgICAgICAKAAECAwRkUEsDBBQAAAAAAAAAIQDdYxWlhgAAAIYAAAAFABQAUi5ucHkBABAAhgAAAAAAAACGAAAAAAAAAJNOVU" +
    "1QWQEAdgB7J2Rlc2NyJzogJ3xiMScsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgyLCAzKSwgfSAgICAgICAgICAgICAgICAg" +
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAAABAQEBUEsBAhQDFAAAAAAAAAAhAIeHU8+GAAAAhgAAAAUAAAAAAA" +
    "AAAAAAAIABAAAAAFkubnB5UEsBAhQDFAAAAAAAAAAhAN1jFaWGAAAAhgAAAAUAAAAAAAAAAAAAAIABvQAAAFIubnB5UEsFBgAAAAACAAIAZgAA" +
    "AHoBAAAAAA==",
  // Y=numpy.full((3, 50), 2, "f4")
  savezCompressed:
    "UEsDBBQAAAAIAAAAIQAOtBcRUAAAANgCAAAFABQAWS5ucHkBABAA2AIAAAAAAABQAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6" +
    "Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GsY6CqYGmjoKtQrkAi4GBgaHUTyKqY0BUEsBAhQDFAAAAAgAAAAhAA60FxFQAAAA2AIAAAUA" +
    "AAAAAAAAAAAAAIABAAAAAFkubnB5UEsFBgAAAAABAAEAMwAAAIcAAAAAAA==",
};

export function byNumpy(name: keyof typeof base64): Buffer {
  return Buffer.from(base64[name], "base64");
}

/** Element type, and the bytes of 0, 1, 2, 3, 4, 100 in it. */
export const elementBytes: readonly (readonly [descr: string, hex: string])[] = [
  ["<f8", "0000000000000000000000000000f03f0000000000000040000000000000084000000000000010400000000000005940"],
  [">f8", "00000000000000003ff00000000000004000000000000000400800000000000040100000000000004059000000000000"],
  ["<f4", "000000000000803f0000004000004040000080400000c842"],
  [">f4", "000000003f80000040000000404000004080000042c80000"],
  ["<f2", "0000003c0040004200444056"],
  [">f2", "00003c004000420044005640"],
  ["|i1", "000102030464"],
  ["<i2", "000001000200030004006400"],
  [">i2", "000000010002000300040064"],
  ["<i4", "000000000100000002000000030000000400000064000000"],
  ["<i8", "000000000000000001000000000000000200000000000000030000000000000004000000000000006400000000000000"],
  [">i8", "000000000000000000000000000000010000000000000002000000000000000300000000000000040000000000000064"],
  ["|u1", "000102030464"],
  [">u2", "000000010002000300040064"],
  ["<u4", "000000000100000002000000030000000400000064000000"],
  ["<u8", "000000000000000001000000000000000200000000000000030000000000000004000000000000006400000000000000"],
];

/** A file of the format's version 1.0 from the text of its header and its elements: what the page of the format says. */
export function npyFile(header: string, elements: Uint8Array): Buffer {
  const padded = `${header}${" ".repeat(63 - ((10 + header.length) % 64))}\n`;
  const length = Buffer.from([padded.length & 255, padded.length >> 8]);
  return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), length, Buffer.from(padded, "latin1"), elements]);
}

/** The header of a matrix in C order. */
export const headerOf = (descr: string, rows: number, columns: number, fortran = false) =>
  `{'descr': '${descr}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': (${rows}, ${columns}), }`;

/** A float64 matrix in a file; in Fortran order the first index runs fastest. */
export function doubles(rows: readonly (readonly number[])[], fortran = false): Buffer {
  const order = fortran ? rows[0].flatMap((_, column) => rows.map((row) => row[column])) : rows.flat();
  return npyFile(
    headerOf("<f8", rows.length, rows[0].length, fortran),
    new Uint8Array(Float64Array.from(order).buffer),
  );
}

/** A matrix of single bytes: `|i1`, `|u1` or `|b1`. */
export function singles(descr: string, rows: readonly (readonly number[])[]): Buffer {
  return npyFile(headerOf(descr, rows.length, rows[0].length), Uint8Array.from(rows.flat()));
}
