/* Bytes that are no text: NUL, every byte, cut and overlong UTF-8, surrogates, terminal escapes, marks of direction. */
#include <stdio.h>

int main(void) {
    static const char bad[] = "3\0\n\x1b[2J\x1b]0;title\x07\x1b[31mred\xff\xfe\xc0\xaf\xed\xa0\x80\xf8\x88\x80\x80\x80\xe2\x80\xae\r\b\x7f";
    for (int stream = 0; stream < 2; stream++) {
        FILE *out = stream ? stderr : stdout;
        fwrite(bad, 1, sizeof bad, out);
        for (int byte = 0; byte < 256; byte++) {
            fputc(byte, out);
        }
        /* The last character is cut off. */
        fputs("\xe2\x82", out);
    }
}
