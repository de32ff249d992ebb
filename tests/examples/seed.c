/* The system's random numbers, the same each time: hash maps draw their seeds from them, and would cost a little more or less. */
#include <string.h>
#include <sys/types.h>

ssize_t getrandom(void *to, size_t length, unsigned flags) {
    (void)flags;
    memset(to, 7, length);
    return (ssize_t)length;
}
