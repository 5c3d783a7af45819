/** Instantiates a WebAssembly module without imports that is here as base64. */
export function instantiate(base64: string): WebAssembly.Exports {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
}
