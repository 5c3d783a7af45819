import { record, textField } from "@sextant/bytes";

// ar archives, as Debian packages are. Sources: deb(5); ar(5) of FreeBSD for the common and GNU variants.

export const arMagic = "!<arch>\n";

/** Every field is text filled up with spaces. */
export const arHeader = record("ar.header", {
  name: textField(16),
  /** seconds since 1970, decimal */
  mtime: textField(12),
  uid: textField(6),
  gid: textField(6),
  /** octal */
  mode: textField(8),
  /** bytes of data, decimal */
  size: textField(10),
  /** "`\n" */
  end: textField(2),
});
export const headerEnd = "`\n";

/** Members start at even offsets; a newline fills up. */
export const arAlignment = 2;

/** GNU: the table of long names, and the symbol tables of libraries. */
export const longNamesTable = "//";
export const symbolTables: ReadonlySet<string> = new Set(["/", "/SYM64/", "__.SYMDEF", "__.SYMDEF SORTED"]);
/** BSD: the name stands before the data. */
export const bsdLongName = "#1/";

export const longNamesLimitBytes = 1 << 20;
/** Most members. A package has three or a few more. */
export const maxMembers = 1 << 16;
