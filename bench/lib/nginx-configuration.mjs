import { crc32 } from 'node:zlib'

/** Above this a request does not fit the buffer for its head and arrives in pieces. */
const wholeRequestBytes = 16_384

/**
 * A configuration of nginx that answers each DynamoDB operation with a file, with the headers of DynamoDB.
 *
 * nginx refuses to answer a POST with a file (405), and the error page of that refusal is the file. The path of the
 * request is rewritten first to that of a file that exists, because only a file that exists is refused so.
 *
 * @param {{ folder: string, host: string, listeners: readonly import('./stub-server.mjs').Listener[] }} options
 */
export function nginxConfiguration({ folder, host, listeners }) {
  const asRoot = process.getuid?.() === 0
  return `
daemon off;
${asRoot ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  default_type application/x-amz-json-1.0;
  server_tokens off;
  etag off;
  max_ranges 0;
  sendfile off;
  tcp_nodelay on;
  output_buffers 2 256k;
  open_file_cache max=100 inactive=1d;
  open_file_cache_valid 1d;
  client_header_buffer_size 32k;
  client_body_buffer_size 256k;
  client_max_body_size 1m;
  keepalive_requests 1000000000;
  keepalive_time 1d;
  keepalive_timeout 1h;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  ssl_certificate ${folder}/server.pem;
  ssl_certificate_key ${folder}/server.key;
  ssl_protocols TLSv1.3;
  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
  map_hash_bucket_size 128;
  map $http_x_amz_target $operation {
    ~^DynamoDB_20120810\\.(?<name>[A-Za-z]+)$ $name;
  }
  map "$server_port-$operation" $checksum {
${listeners.flatMap(checksumLines).join('\n')}
  }
${listeners.map(listener => serverBlock(host, folder, listener)).join('\n')}
}
`
}

/** @param {import('./stub-server.mjs').Listener} listener */
function checksumLines({ port, answers }) {
  return Object.entries(answers).map(([operation, text]) => `    ${port}-${operation} ${crc32(text)};`)
}

/**
 * @param {string} host
 * @param {string} folder
 * @param {import('./stub-server.mjs').Listener} listener
 */
function serverBlock(host, folder, { protocol, port, itemBytes }) {
  // A mirror to nowhere makes nginx read the whole body before it answers, as DynamoDB does.
  const mirror = itemBytes > wholeRequestBytes ? 'mirror /nowhere;' : ''
  return `
  server {
    listen ${host}:${port}${protocol === 'https' ? ' ssl' : ''} backlog=1024;
    root ${folder};
    location / {
      ${mirror}
      rewrite ^ /post break;
      error_page 405 =200 /answers/$server_port-$operation;
    }
    location /answers/ {
      internal;
      mirror off;
      add_header Last-Modified "";
      add_header x-amzn-RequestId 4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG always;
      add_header x-amz-crc32 $checksum always;
    }
    location = /nowhere {
      internal;
      mirror off;
      return 204;
    }
  }`
}
