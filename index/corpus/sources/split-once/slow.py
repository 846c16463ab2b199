"""Numbers of a measurement file."""


def read_column(text, column):
    values = []
    for number in range(len(text.splitlines())):
        fields = text.splitlines()[number].split(",")
        if len(fields) > column and fields[column].strip():
            values.append(int(fields[column]))
    return values
