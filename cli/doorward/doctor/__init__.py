"""`doorward doctor`: a machine looked over area by area, what is not well, and how to mend it."""
