/*
 * A Carbon server without start-up time, run as `java` by the lab's wso2server.sh.
 *
 * It writes the pid file, reads its clustering from axis2.xml and its Offset from carbon.xml,
 * joins the manager over TCP, logs in the product's format with the Hazelcast agent's wording,
 * listens where the product would, and ends on SIGTERM. A manager (without -DworkerNode=true)
 * also listens on 3306 in place of a database. What the benchmark times goes to EVENTS.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS "/var/lib/bench/events"
#define AGENT "org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent"
#define MEMBERS "org.wso2.carbon.core.clustering.hazelcast.wka.WKABasedMembershipScheme"
#define FINALIZER "org.wso2.carbon.core.internal.StartupFinalizerServiceComponent"
#define MOST_MEMBERS 512

static const char *home;

struct member {
    char name[96]; /* ADDRESS:PORT */
    char uuid[37];
};

static void append(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT, 0644);
    if (file < 0 || write(file, text, strlen(text)) < 0) warn("%s", path);
    close(file);
}

static struct timespec now(void) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    return at;
}

static void event(const char *what, const char *whom, struct timespec at) {
    char line[PATH_MAX + 64];
    snprintf(line, sizeof line, "%s %s %lld.%09ld\n", what, whom, (long long)at.tv_sec, at.tv_nsec);
    append(EVENTS, line);
}

static void in_home(char path[PATH_MAX], const char *name) {
    if (snprintf(path, PATH_MAX, "%s/%s", home, name) >= PATH_MAX) errx(1, "too long: %s", name);
}

__attribute__((format(printf, 2, 3)))
static void say(const char *logger, const char *format, ...) {
    char message[512], clock[32], line[1024], path[PATH_MAX];
    struct timespec at = now();
    va_list rest;
    va_start(rest, format);
    vsnprintf(message, sizeof message, format, rest);
    va_end(rest);
    strftime(clock, sizeof clock, "%F %T", localtime(&at.tv_sec));
    snprintf(line, sizeof line, "TID: [-1234] [] [%s,%03ld]  INFO {%s} -  %s \n", clock,
             at.tv_nsec / 1000000, logger, message);
    in_home(path, "repository/logs/wso2carbon.log");
    append(path, line);
}

/* The product leaves exactly 100 bytes: the digits, a line end, and NULs. */
static void write_pid(void) {
    char path[PATH_MAX], text[100] = {0};
    in_home(path, "wso2carbon.pid");
    snprintf(text, sizeof text, "%d\n", getpid());
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || write(file, text, sizeof text) != sizeof text) err(1, "%s", path);
    close(file);
}

/* A file of the configuration, its comments blank: they hold settings that look alive. */
static char *read_conf(const char *name) {
    char path[PATH_MAX];
    in_home(path, name);
    int file = open(path, O_RDONLY);
    off_t size = file < 0 ? -1 : lseek(file, 0, SEEK_END);
    char *text = size < 0 ? NULL : calloc(1, size + 1);
    if (!text || pread(file, text, size, 0) != size) err(1, "%s", path);
    close(file);
    for (char *from = text; (from = strstr(from, "<!--"));) {
        char *to = strstr(from, "-->");
        memset(from, ' ', to ? to + 3 - from : (long)strlen(from));
    }
    return text;
}

/* What stands in `text` after the marks, one found behind the other, up to the next `<`. */
static char *value(const char *text, const char *mark, const char *next_mark) {
    const char *at = strstr(text, mark);
    if (at && next_mark) {
        mark = next_mark;
        at = strstr(at, mark);
    }
    if (!at) errx(1, "the configuration has no %s", mark);
    at += strlen(mark);
    return strndup(at, strcspn(at, "<"));
}

static struct sockaddr_in address(const char *host, int port) {
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &where.sin_addr) != 1) errx(1, "%s is no address", host);
    return where;
}

static int listen_at(const char *host, int port) {
    struct sockaddr_in where = address(host, port);
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&where, sizeof where) || listen(listener, 1024))
        err(1, "%s:%d", host, port);
    return listener;
}

/* Returns when the manager has written its line; the connection stays, as its sign of life. */
static void join(const char *axis2, const char *host, const char *port, const char *domain) {
    char answer[3];
    int member_port = atoi(value(axis2, "<members>", "<port>"));
    struct sockaddr_in manager = address(value(axis2, "<members>", "<hostName>"), member_port);
    int link = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(link, (struct sockaddr *)&manager, sizeof manager)) err(1, "the manager");
    dprintf(link, "%s:%s %s\n", host, port, domain);
    if (read(link, answer, sizeof answer) != sizeof answer) warnx("the manager took no notice");
}

static bool admit(int link, const char *domain, struct member *one) {
    char hello[256] = {0}, its_domain[128];
    if (read(link, hello, sizeof hello - 1) <= 0) return false;
    if (sscanf(hello, "%95s %127s", one->name, its_domain) != 2) return false;
    if (strcmp(its_domain, domain)) return false;
    int random = open("/proc/sys/kernel/random/uuid", O_RDONLY);
    if (read(random, one->uuid, 36) != 36) err(1, "uuid");
    close(random);
    one->uuid[36] = 0;
    say(MEMBERS, "Member joined [%s]: /%s", one->uuid, one->name);
    event("joined", one->name, now());
    return write(link, "ok\n", 3) == 3;
}

static void serve(int listener, const char *domain) {
    static struct pollfd ends[MOST_MEMBERS + 1];
    static struct member members[MOST_MEMBERS + 1];
    nfds_t count = 1;
    ends[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    while (poll(ends, count, -1) > 0) {
        for (nfds_t i = count - 1; i > 0; i--) {
            if (!ends[i].revents) continue;
            say(MEMBERS, "Member left [%s]: /%s", members[i].uuid, members[i].name);
            close(ends[i].fd);
            ends[i] = ends[--count];
            members[i] = members[count];
        }
        if (!ends[0].revents || count > MOST_MEMBERS) continue;
        int link = accept(listener, NULL, NULL);
        if (admit(link, domain, &members[count]))
            ends[count++] = (struct pollfd){.fd = link, .events = POLLIN};
        else
            close(link);
    }
}

int main(int argc, char **argv) {
    struct timespec began = now();
    bool worker = false;
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "-Dcarbon.home=", 14)) home = argv[i] + 14;
        if (!strncmp(argv[i], "-DworkerNode=", 13)) worker = !strcmp(argv[i] + 13, "true");
    }
    if (!home) errx(1, "no -Dcarbon.home");
    event("start", home, began);
    write_pid();

    char *axis2 = read_conf("repository/conf/axis2/axis2.xml");
    char *host = value(axis2, "<parameter name=\"localMemberHost\">", NULL);
    char *port = value(axis2, "<parameter name=\"localMemberPort\">", NULL);
    char *domain = value(axis2, "<parameter name=\"domain\">", NULL);
    int offset = atoi(value(read_conf("repository/conf/carbon.xml"), "<Offset>", NULL));

    int cluster = listen_at(host, atoi(port));
    listen_at("0.0.0.0", 9763 + offset);
    listen_at("0.0.0.0", 9443 + offset);
    if (worker) join(axis2, host, port, domain);
    else listen_at("0.0.0.0", 3306);
    say(AGENT, "Cluster initialization completed");
    say(FINALIZER, "WSO2 Carbon started in 0 sec");
    if (worker) for (;;) pause();
    serve(cluster, domain);
}
