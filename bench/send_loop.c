/* The least that sending a frame to N viewers can cost: one send() each. For each byte on standard input the frame goes
   to every viewer. Usage: send_loop PORT N BYTES. Prints "open" when it listens and "ready" when all N have connected. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int n = atoi(argv[2]), size = atoi(argv[3]), on = 1;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) return 1;
  printf("open\n"), fflush(stdout);
  int *viewers = calloc(n, sizeof *viewers);
  for (int i = 0; i < n; i++) {
    viewers[i] = accept(listener, 0, 0);
    setsockopt(viewers[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  char *frame = malloc(size + 4);
  frame[0] = (char)0x81, frame[1] = 126, frame[2] = (char)(size >> 8), frame[3] = (char)size;
  memset(frame + 4, ' ', size);
  memcpy(frame + 4, "{\"type\":\"delta\"", 15);
  printf("ready\n"), fflush(stdout);
  for (char byte; read(0, &byte, 1) == 1;)
    for (int i = 0; i < n; i++)
      if (send(viewers[i], frame, size + 4, MSG_NOSIGNAL) < 0) return 1;
  return 0;
}
