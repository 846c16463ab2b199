"""Values of key=value fields."""


def field_values(lines, names):
    values = []
    for line in lines:
        fields = {}
        for field in line.split(";"):
            name, found, value = field.partition("=")
            if found and name not in fields:
                fields[name] = value
        values += [fields.get(name) for name in names]
    return values
