/** The memory of a module; views of it are gone when it grows. */
export interface ModuleMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** What is used of WebAssembly, whose types Node's and the browsers' libraries declare each in their way. */
interface ModuleApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/** Instantiates a WebAssembly module without imports that is here as base64. */
export function instantiate(base64: string): unknown {
  const { WebAssembly: api } = globalThis as unknown as { readonly WebAssembly: ModuleApi };
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  return new api.Instance(new api.Module(bytes)).exports;
}
