// main.js:99
// SyntaxError: in a comment
const é = `main.js:98
SyntaxError: in a string`;
	const ü = "é" + (é;
