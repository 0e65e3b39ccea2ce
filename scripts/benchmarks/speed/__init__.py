"""What reading long documents costs beside the floor and beside what others do; ratios from one run.

The floor is the same encoder on as many real tokens in dense rows of 128. Everything that is compared is
measured in turn, and the median of the rounds is what counts, as bare times depend on the machine.
"""
