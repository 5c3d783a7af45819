const unitNameMax = 256;

/** The types of units that systemd knows (basic/unit-def.c). */
const unitTypes = "service|socket|target|device|mount|automount|swap|timer|path|slice|scope";

/** A prefix, an instance after the first `@`, a type; letters, digits and `:-_.\` everywhere. */
const unitName = new RegExp(`^[0-9A-Za-z:_.\\\\-]+(?:@[0-9A-Za-z:_.\\\\@-]+)?\\.(?:${unitTypes})$`);

/**
 * Whether this names a unit that can be started: plain or an instance, not a template (basic/unit-name.c,
 * unit_name_is_valid with UNIT_NAME_PLAIN and UNIT_NAME_INSTANCE).
 */
export function isUnitName(name: string): boolean {
  return name.length < unitNameMax && unitName.test(name);
}
