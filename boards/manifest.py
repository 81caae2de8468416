"""What is frozen into a MicroPython of one's own: the port's modules, the firmware and its board.py.

Included by manifest_<board>.py, which say `board` and `without`, the ends of names of files in another processor's
assembler. MicroPython's build runs this file (its docs, reference/manifest) in the folder it lies in.
"""

import os

options.defaults(board=None, without=())

include("$(PORT_DIR)/boards/manifest.py")
module("board.py", base_path=options.board)
module("main.py", base_path="../firmware")  # a frozen main.py is started as one on the file system would be
for name in ("drivers", "meter"):
    files = []
    for folder, _, found in os.walk("../firmware/" + name):
        files += [os.path.relpath(os.path.join(folder, file), "../firmware/" + name) for file in found]
    files = sorted(file for file in files if file.endswith(".py") and not file.endswith(tuple(options.without)))
    package(name, files=files, base_path="../firmware")
