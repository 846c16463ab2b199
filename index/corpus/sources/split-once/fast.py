"""Numbers of a measurement file."""


def read_column(text, column):
    values = []
    for line in text.splitlines():
        fields = line.split(",")
        if len(fields) > column and fields[column].strip():
            values.append(int(fields[column]))
    return values
