int foo(int);
int main(void){return foo(1);}
