/* The least that telling N viewers can cost: one frame, one send() each. For each byte on standard input the frame
   goes to everybody. Usage: yardstick PORT N BYTES. Prints "ready" when all have come. */
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
  int door = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(door, (struct sockaddr *)&here, sizeof here) || listen(door, 1024)) return 1;
  printf("open\n"), fflush(stdout);
  int *viewers = calloc(n, sizeof *viewers);
  for (int i = 0; i < n; i++) {
    viewers[i] = accept(door, 0, 0);
    setsockopt(viewers[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  char *frame = malloc(size + 4);
  frame[0] = (char)0x81, frame[1] = 126, frame[2] = (char)(size >> 8), frame[3] = (char)size;
  memset(frame + 4, ' ', size);
  memcpy(frame + 4, "{\"type\":\"delta\"", 15);
  printf("ready\n"), fflush(stdout);
  for (char go; read(0, &go, 1) == 1;)
    for (int i = 0; i < n; i++)
      if (send(viewers[i], frame, size + 4, MSG_NOSIGNAL) < 0) return 1;
  return 0;
}
