int main(void) {
    return missing; /* error here */
}
