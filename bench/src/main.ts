/** `npm run bench -- TABLE…`: makes tables of bench/results anew; without a name, lists them. */
const tables: Readonly<Record<string, () => Promise<{ run: () => Promise<string> }>>> = {
  seeds: () => import("./tables/seeds.ts"),
  collaborative: () => import("./tables/collaborative.ts"),
  svd: () => import("./tables/svd.ts"),
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in tables));
if (names.length === 0 || unknown.length > 0) {
  if (unknown.length > 0) console.error(`no table ${unknown.join(", ")}`);
  console.error(`npm run bench -- TABLE, one or more of: ${Object.keys(tables).join(", ")}`);
  process.exitCode = 2;
} else {
  for (const name of names) {
    const { run } = await tables[name]();
    console.log(await run());
  }
}
