const spawn = require('cross-spawn');

const child = spawn('sh', ['-c', 'cat; exit 2'], { stdio: ['pipe', 'pipe', 'inherit'] });
child.stdout.on('data', (chunk) => console.log('data', String(chunk)));
child.on('close', (...args) => {
	console.log('close', args);
	spawn('nosuch-program').on('error', (error) => {
		console.log(error.code, error.syscall, error.path);
		console.log(spawn.sync('echo', ['sync'], { encoding: 'utf8' }).stdout);
		console.log(spawn.sync('nosuch-program').error.code);
		spawn('echo', ['inherited'], { stdio: 'inherit' }).on('exit', (code) => console.log('exit', code));
	});
});
child.stdin.end('text');
