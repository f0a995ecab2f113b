/* A program that stands for a tool: it does nothing, and ends when its input does. */
#include <stdio.h>

int main(void)
{
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
