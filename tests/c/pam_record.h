/* What pam_login and pam_record.so, which it loads through libpam, have to tell each other. */
#ifndef PAM_RECORD_H
#define PAM_RECORD_H

#include <security/pam_modules.h>

/* Defined in pam_login: PAM_AUTHTOK before the module runs, or NULL. */
const char *record_authtok_before(void);
/* Defined in pam_login: what the module returned, and PAM_AUTHTOK afterwards, or NULL. */
void record_result(int result, const char *authtok_after);

#endif
