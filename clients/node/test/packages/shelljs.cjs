const shell = require('shelljs');

shell.config.silent = true;
console.log(shell.exec('echo sync; exit 3').code, shell.exec('echo out').stdout, shell.exec('echo err >&2').stderr);
console.log(shell.cmd ? shell.cmd('echo', 'a b').stdout : 'a b\n', shell.which('sh') !== null);
shell.exec('echo async; exit 5', (code, stdout) => {
	console.log(code, stdout);
	const child = shell.exec('cat', { async: true });
	child.stdout.on('data', (data) => console.log('data', data));
	child.on('exit', (code) => console.log('exit', code));
	child.stdin.end('text');
});
