/* Whether somebody is in a group, with lookups that fail told from those that find nothing. */
#ifndef DOORWARD_MEMBERSHIP_H
#define DOORWARD_MEMBERSHIP_H

/*
 * What the account (a const struct passwd *) is in the group of that name: an enum
 * access_membership. Fits access_login.membership. libpam's own counts a failed lookup as no.
 */
int membership_find(const void *account, const char *group_name);

#endif
