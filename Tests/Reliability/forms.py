"""Multipart bodies: how browsers, libraries and attackers write them."""

FORM = "multipart/form-data; boundary=B"


def part(disposition, body="1", extra="", boundary="B"):
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{extra}\r\n".encode()
    return head + (body if isinstance(body, bytes) else body.encode()) + b"\r\n"


def cases():
    """(name, content type, body, parts as (name, file name, bytes), or the status of a refusal)"""
    end = b"--B--\r\n"
    one = [("a", None, b"1")]
    binary = bytes(range(256)) * 3
    yield "one part", FORM, part('name="a"') + end, one
    yield "two parts", FORM, part('name="a"') + part('name="b"; filename="f.png"', "2") + end, one + [("b", "f.png", b"2")]
    yield "no parts", FORM, b"--B--", []
    yield "no line end behind the last boundary", FORM, part("name=a") + b"--B--", one
    yield "a preamble", FORM, b"for old readers\r\n" + part("name=a") + end, one
    yield "an empty line before", FORM, b"\r\n" + part("name=a") + end, one
    yield "an epilogue", FORM, part("name=a") + end + b"bye", one
    yield "a preamble of 1,024 bytes", FORM, b"p" * 1024 + b"\r\n" + part("name=a") + end, one
    yield "a preamble of 1,025 bytes", FORM, b"p" * 1025 + b"\r\n" + part("name=a") + end, 413
    yield "an epilogue of a megabyte", FORM, part("name=a") + end + b"e" * 1_000_000, 413
    yield "blanks behind the boundary", FORM, b"--B  \t\r\n" + part("name=a")[5:] + end, one
    for boundary in ["x", "----WebKitFormBoundary7MA4YWxkTrZu0gW", "a" * 70, "'()+_,-./:=?", "0"]:
        body = part("name=a", boundary=boundary) + f"--{boundary}--\r\n".encode()
        yield f"boundary {boundary[:24]}", f'multipart/form-data; boundary="{boundary}"', body, one
    yield "a boundary with a space", 'multipart/form-data; boundary="a b"', part("name=a", boundary="a b") + b"--a b--", one
    yield "capitals and another parameter", "Multipart/Form-Data; charset=utf-8; BOUNDARY=B", part("name=a") + end, one
    yield "a boundary of 71 bytes", f"multipart/form-data; boundary={'a' * 71}", b"", 400
    yield "an empty boundary", 'multipart/form-data; boundary=""', b"", 400
    yield "no boundary", "multipart/form-data", b"", 400
    yield "two boundaries", "multipart/form-data; boundary=B; boundary=C", part("name=a") + end, 415
    yield "another type", "text/plain", b"x", 415
    yield "a quoted name", FORM, part('name="a b;c=\\"d\\""') + end, [('a b;c="d"', None, b"1")]
    yield "a name in UTF-8", FORM, part('name="été"; filename="日本.png"') + end, [("été", "日本.png", b"1")]
    yield "an RFC 5987 file name", FORM, part("name=a; filename*=UTF-8''%e2%82%ac%20x.png") + end, [("a", "€ x.png", b"1")]
    yield "both file names", FORM, part("name=a; filename=\"e.png\"; filename*=UTF-8''%C3%A9.png") + end, [("a", "é.png", b"1")]
    yield "a Windows path", FORM, part('name=a; filename="C:\\dir\\f.png"') + end, [("a", "C:\\dir\\f.png", b"1")]
    yield "an empty file name", FORM, part('name=a; filename=""') + end, [("a", "", b"1")]
    yield "an empty name", FORM, part('name=""') + end, [("", None, b"1")]
    yield "no name", FORM, part('filename="f"') + end, 400
    yield "two names", FORM, part("name=a; name=b") + end, 400
    yield "an open quote", FORM, part('name="a') + end, 400
    yield "attachment instead of form-data", FORM, b"--B\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--B--", 400
    yield "a part without a disposition", FORM, b"--B\r\nContent-Type: text/plain\r\n\r\n1\r\n--B--", 400
    yield "a part without a head", FORM, b"--B\r\n\r\n1\r\n--B--", 400
    yield "base64 as transfer encoding", FORM, part("name=a", extra="Content-Transfer-Encoding: base64\r\n") + end, 400
    yield "binary as transfer encoding", FORM, part("name=a", extra="Content-Transfer-Encoding: binary\r\n") + end, one
    yield "an empty body", FORM, part("name=a", b"") + end, [("a", None, b"")]
    yield "line ends in the body", FORM, part("name=a", b"\r\n\r\n") + end, [("a", None, b"\r\n\r\n")]
    yield "every byte", FORM, part("name=a", binary) + end, [("a", None, binary)]
    for data in [b"--C", b"x\r\n--", b"x\r\n--BB", b"x\r\n--B-", b"x\r\n--B-x", b"x\n--B\n", b"x\r\n--b\r\n", b"\r\r\n--C",
                 b"x\r\n --B\r\n", b"x\r\n--B\rx", b"\r\n" * 500]:
        yield f"data like a boundary: {data[:12]!r}", FORM, part("name=a", data) + end, [("a", None, data)]
    nested = b"--C\r\nContent-Disposition: form-data; name=x\r\n\r\n2\r\n--C--"
    yield "a form in a form", FORM, part("name=a", nested, "Content-Type: multipart/mixed; boundary=C\r\n") + end, [("a", None, nested)]
    yield "no final boundary", FORM, part("name=a"), 400
    yield "half a final boundary", FORM, part("name=a") + b"--B-", 400
    yield "no boundary line at all", FORM, b"hello", 400
    yield "an empty form", FORM, b"", 400
    yield "bare line feeds", FORM, part("name=a").replace(b"\r\n", b"\n") + b"--B--\n", 400
    yield "a folded part header", FORM, b"--B\r\nContent-Disposition: form-data;\r\n name=a\r\n\r\n1\r\n--B--", 400
    yield "NUL in a part header", FORM, part("name=a", extra="X: \0\r\n") + end, 400
    yield "128 parts", FORM, part("name=a") * 128 + end, one * 128
    yield "129 parts", FORM, part("name=a") * 129 + end, 413
    yield "16 part headers", FORM, part("name=a", extra="X: y\r\n" * 15) + end, one
    yield "17 part headers", FORM, part("name=a", extra="X: y\r\n" * 16) + end, 413
    yield "a part header of 100 KB", FORM, part("name=a", extra="X: " + "y" * 100_000 + "\r\n") + end, 413
