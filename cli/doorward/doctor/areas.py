"""The areas that the doctor looks at, in the order in which they are told of."""

from doorward.doctor import (
    access_files,
    changes,
    module_file,
    packages,
    people,
    services,
    sshd_users,
    stacks,
    time_kept,
)
from doorward.doctor.finding import Area

AREAS = (
    Area("The module", module_file.look),
    Area("Services", services.look),
    Area("Users", people.look),
    Area("sshd", sshd_users.look),
    Area("Access files", access_files.look),
    Area("The clock", time_kept.look),
    Area("Changes by doorward", changes.look),
    Area("pam-auth-update", packages.look),
    Area("Rules", stacks.look),
)
