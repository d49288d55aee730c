/* Memory that runs out when a test says so. */
#ifndef NOMEM_H
#define NOMEM_H

/* From here on the Nth malloc, calloc or realloc fails, and only that one; with 0 none does. */
void nomem_begin(long n);
/* Up to here. Returns how many of them there were. */
long nomem_end(void);

#endif
