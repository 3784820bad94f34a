import { six } from "./six.mjs";
const { seven } = await import("./seven.cjs").then((m) => m.default);
console.log(six * seven());
