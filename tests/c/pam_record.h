/* What pam_login and pam_record.so, which it loads through libpam, have to tell each other. */
#ifndef PAM_RECORD_H
#define PAM_RECORD_H

#include <security/pam_modules.h>

/* Defined in pam_login. Just before the module runs: sets PAM_AUTHTOK, and makes memory short. */
int record_begin(pam_handle_t *pamh);
/* Defined in pam_login. Just after: what the module returned, and PAM_AUTHTOK now, or NULL. */
void record_end(int result, const char *authtok_after);

/* Defined in pam_login. The same of pam_sm_setcred, with all the memory that there is. */
void record_setcred_begin(void);
void record_setcred_end(int result);

#endif
