import { x } from "./main.js";
export const y = x +;
