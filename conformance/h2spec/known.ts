/** Cases of h2spec that do not pass, by listener, each with the reason. One that passes after all fails the test: it has to leave. */
export const known: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cleartext: {
    'http2/3.5: Sends invalid connection preface':
      'with codec_type AUTO bytes that are not the preface are HTTP/1, and are answered so: 400, then the connection ends',
  },
};
