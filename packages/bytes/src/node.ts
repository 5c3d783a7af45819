export { describeErrno, errnoCode } from "./node/errno.js";
export { deviceNumbers, type FileSource, openFile } from "./node/file.js";
export { type FileSink, type FileSinkOptions, fileSink } from "./node/file-sink.js";
export { nodeHasher } from "./node/hasher.js";
export { type StreamSinkOptions, streamSink } from "./node/stream-sink.js";
export { emptyDirectory, removeTemporaries, removeTree, temporaryName, trackTemporary } from "./node/temporary.js";
