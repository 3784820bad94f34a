const greeting = (to) => `Hello, ${to}!`;

console.log(["Ada", "Grace", "Jürgen"].map(greeting).join(" "));
console.log(`π ≈ ${Math.PI.toFixed(4)}`);
