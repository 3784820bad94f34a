const fine = 1;
console.log(fine;  // error here
